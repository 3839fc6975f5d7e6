"""What there is to transfer: opened, checked, refused, and known again by its fingerprint."""
