"""Text in pictures: where lines are, how they are cut out and read, and in which order.

The networks are a detector, which returns a map of probabilities, and a recognizer, which reads one
line; pre- and postprocessing are those that PaddleOCR documents for its PP-OCR models.
"""
