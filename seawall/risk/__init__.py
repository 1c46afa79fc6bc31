"""Calibration of margins from price history, off chain: floating point, nothing of it is money."""
