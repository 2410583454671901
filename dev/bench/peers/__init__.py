"""Peers out of the box, in an environment of their own: a sum of minutes per volunteer; Kafka Streams keeps more."""
