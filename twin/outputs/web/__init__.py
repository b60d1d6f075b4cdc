"""A city as one web page that needs neither a server nor a network."""
