"""Lambda glue: what AWS hands over becomes one call to a service.

All that a cold start makes stays, so looking through it for garbage finds nothing and takes an
eighth of the time. In Lambda nobody looks from here until `warm`, with which every entrypoint ends.
"""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.disable()
