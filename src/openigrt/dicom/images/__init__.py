"""Image series, projections, surfaces, segmentations and ultrasound volumes."""
