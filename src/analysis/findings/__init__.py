"""What the chapters find: tables and sentences made from the models and the data."""
