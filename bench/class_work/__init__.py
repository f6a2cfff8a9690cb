"""What a class asks of its server, in the words of each service that is measured."""
