"""unloop gets crash-looping hosts back without anyone touching them, and proves it host by host."""

__version__ = "0.1.0"
