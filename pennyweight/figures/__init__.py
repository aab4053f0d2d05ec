"""Figures: values in, a matplotlib figure out. They read no file and no clock, and draw no random numbers."""
