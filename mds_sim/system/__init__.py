"""The whole system: a stream all day and files at night, on one pool of workers."""

from .record import SystemRecord
from .system import System

__all__ = ["System", "SystemRecord"]
