"""Sound of all legs of an MCU at once, in arrays. See `mcu.plane.plane`."""
