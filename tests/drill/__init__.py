"""Drills: long random histories, killed processes, zombies and crowds. `make test` plays a part, `make drill` all."""
