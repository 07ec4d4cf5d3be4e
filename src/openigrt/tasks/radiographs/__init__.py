"""From a plan to the radiographs that its setup is compared with."""
