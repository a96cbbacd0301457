"""Descriptions, pictures, differences and prices of workflows."""
