"""Sources learned from pairs: dual encoders, and students of one side whom a teacher of the other taught."""
