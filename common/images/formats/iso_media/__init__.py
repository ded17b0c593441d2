"""HEIF files, of which HEIC and AVIF are kinds: boxes, items and their properties, parsed without
decoding, and written anew with the picture alone (ISO/IEC 14496-12 and 23008-12).
"""
