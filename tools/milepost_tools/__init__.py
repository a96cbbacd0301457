"""Milepost's command line and other developer tools. No Lambda function contains them."""
