"""Classes without a sample, known by their attributes: functions first, and one thin shell for all of them."""
