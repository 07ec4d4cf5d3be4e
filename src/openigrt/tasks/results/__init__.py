"""What jobs leave behind: folders, former results, grounds and schemas."""
