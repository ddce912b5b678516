"""The challenge page: its script solves a puzzle, to show that a browser is asking."""

from __future__ import annotations

PATH = "/.well-known/handshake-challenge"
"""Where a solution is submitted: `?seal=...&answer=...`."""
COOKIE = "hs_pass_"
"""The prefix of the cookie's name; the rule's name follows, so that each rule has its own pass."""
ZEROS = "0000"
"""The required prefix of the SHA-256 of `seal.answer`, in hexadecimal: about 65,000 attempts, or one second."""
SEAL_SECONDS = 300
"""How long a puzzle is valid."""

PLACE_OF_SEAL = "@SEAL@"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>One moment</title>
<h1>One moment</h1>
<p id="say">We are under a lot of pressure, and check that a browser is asking. This takes a second or two.
<noscript><p>Please allow scripts for this page, or come back in a while.</noscript>
<script>
const seal = "@SEAL@", zeros = "0000", encoder = new TextEncoder();
const hex = bytes => Array.from(new Uint8Array(bytes), byte => byte.toString(16).padStart(2, "0")).join("");
async function solve() {
  for (let answer = 0; ; answer++) {
    const digest = await crypto.subtle.digest("SHA-256", encoder.encode(seal + "." + answer));
    if (hex(digest).startsWith(zeros)) return answer;
  }
}
async function enter() {
  const answer = await solve();
  const told = await fetch("/.well-known/handshake-challenge?seal=" + seal + "&answer=" + answer);
  if (told.ok) location.reload(); else throw new Error(told.status);
}
enter().catch(() => { document.getElementById("say").textContent =
  "This did not work. Please load the page again in a minute."; });
</script>
</html>
"""
