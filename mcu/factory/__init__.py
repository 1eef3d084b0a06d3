"""The MCU Factory: who is alive, who is picked."""
