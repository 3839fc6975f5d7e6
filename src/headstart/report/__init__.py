"""What a run leaves for people: evidence, the HTML page, the model card, export."""
