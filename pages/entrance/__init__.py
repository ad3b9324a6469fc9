"""How people get in: the gate in front of every route, the door with its pages, and team mode from the console."""
