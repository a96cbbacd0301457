#!/usr/bin/env bash
# Makes email.png from the shipped templates: English on a desktop, Persian on a phone.
# Needs `make check` (for .venv), and a Chromium on PATH. Usage: docs/pictures/make.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
milepost=${MILEPOST:-.venv/bin/milepost}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for locale in en fa; do
  "$milepost" preview workflows/templates/abandoned-cart/reminder \
    --locale "$locale" --out "$work/$locale" >/dev/null
done
cat >"$work/page.html" <<'PAGE'
<!doctype html>
<meta charset="utf-8">
<style>
  body { margin: 0; padding: 16px; display: flex; gap: 24px; background: #fff }
  iframe { height: 880px; border: 1px solid #d0d7de; border-radius: 8px }
</style>
<iframe src="en/en.html" width="640"></iframe>
<iframe src="fa/fa.html" width="360"></iframe>
PAGE
"$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --log-level=3 \
  --allow-file-access-from-files --window-size=1060,914 \
  --screenshot="$PWD/docs/pictures/email.png" "file://$work/page.html" 2>/dev/null
echo "docs/pictures/email.png"
