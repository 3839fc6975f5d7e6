"""Few labels per class: Omniglot by the field's protocol, and animals that no example was seen of."""
