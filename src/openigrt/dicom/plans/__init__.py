"""Photon, electron and ion plans."""
