"""The pages that readers' links lead to: plain HTML in their language, without a script."""
