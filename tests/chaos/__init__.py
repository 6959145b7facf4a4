"""The kill test: real processes killed at random while platforms misbehave, and the other side compared with the truth afterwards."""
