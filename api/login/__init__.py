"""Log-in: passwords in, access and refresh tokens out."""
