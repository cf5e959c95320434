"""Examples that `--help`, the command reference, and the man page show for each command."""

from __future__ import annotations

# Command -> command lines, each with what it does.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "doctor": (
        ("sdsetup doctor", "Check this PC"),
        ("sdsetup doctor -v", "Show every check"),
        ("sdsetup doctor --fix", "Offer to fix what can be fixed"),
    ),
    "install": (
        ("sdsetup install", "Install into the suggested folder"),
        ("sdsetup install --dry-run", "Show what would be done"),
        ("sdsetup install --rehearse --yes", "Practice run without downloads"),
        ("sdsetup install --dir D:/sd --model sdxl", "Another folder and model"),
    ),
    "update": (
        ("sdsetup update --dry-run", "Show what would change"),
        ("sdsetup update --to v1.10.1", "Update to this version"),
        ("sdsetup update --extensions", "Update extensions, too"),
    ),
    "uninstall": (
        ("sdsetup uninstall --dry-run", "List what would be removed"),
        ("sdsetup uninstall", "Remove it"),
    ),
    "launch": (
        ("sdsetup launch", "Start the web UI and open the browser"),
        ("sdsetup launch --no-browser", "Start it and show the address only"),
    ),
    "shortcut": (
        ("sdsetup shortcut", "Add the web UI to the menu"),
        ("sdsetup shortcut --desktop", "Put it on the desktop"),
        ("sdsetup shortcut --remove", "Remove all of them"),
    ),
    "tune": (
        ("sdsetup tune", "Show settings for this PC's card"),
        ("sdsetup tune --apply", "Write them into the launch file"),
        ('sdsetup tune --gpu "RTX 5060 Ti" --vram 16', "For a card you don't have yet"),
        ("sdsetup tune --measure", "Time them, keep the fastest"),
        ("sdsetup tune --yes", "After a new graphics card"),
    ),
    "why": (
        ("sdsetup why --medvram", "Explain a flag"),
        ("sdsetup why torch", "Explain the PyTorch version"),
    ),
    "status": (
        ("sdsetup status", "List all installations"),
        ("sdsetup status --dir D:/sd", "Show one of them"),
    ),
    "extensions list": (("sdsetup extensions list", "List extensions"),),
    "extensions check": (("sdsetup extensions check", "Find extensions that conflict"),),
    "extensions disable": (("sdsetup extensions disable sd-webui-controlnet", "Turn one off"),),
    "extensions enable": (("sdsetup extensions enable sd-webui-controlnet", "Turn it back on"),),
    "extensions safe-start": (("sdsetup extensions safe-start", "Start once without extensions"),),
    "extensions bisect": (("sdsetup extensions bisect", "Find the one that breaks the start"),),
    "fix": (
        ("sdsetup fix", "Read the log of the last start"),
        ("sdsetup fix log.txt", "Read another log file"),
    ),
    "verify": (("sdsetup verify", "Make the test image again"),),
    "undo": (
        ("sdsetup undo", "Undo the last change"),
        ("sdsetup undo --list", "List what you can go back to"),
    ),
    "report": (
        ("sdsetup report --out report.md", "Write the report to a file"),
        ("sdsetup report --sbom --out sbom.json", "List all components"),
    ),
    "clean": (
        ("sdsetup clean --dry-run", "List what would be removed"),
        ("sdsetup clean", "Remove it"),
    ),
    "model list": (("sdsetup model list", "List models"),),
    "model get": (
        ("sdsetup model get sdxl", "Download SDXL"),
        ("sdsetup model get sd15 --limit-rate 2M", "Leave room for others on the line"),
    ),
    "model check": (("sdsetup model check", "Check all model files"),),
    "model import": (("sdsetup model import D:/models/mine.safetensors", "Add your own model"),),
    "kit make": (
        ("sdsetup kit make D:/kit --for windows", "Make a kit for Windows PCs"),
        ("sdsetup install --kit D:/kit", "Install from it"),
    ),
    "kit key": (
        ("sdsetup kit key my-kits", "Make a key pair"),
        ("sdsetup kit make D:/kit --sign my-kits", "Sign a kit with it"),
    ),
    "kit check": (("sdsetup kit check D:/kit", "Check a copied kit"),),
    "fleet summary": (
        ("sdsetup doctor --json > pc1.json", "On each PC"),
        ("sdsetup fleet summary pc1.json pc2.json", "Compare them"),
    ),
    "self update": (
        ("sdsetup self update --dry-run", "Show what would be done"),
        ("sdsetup self update", "Update sdsetup"),
    ),
    "self command": (("sdsetup self command", "Use sdsetup in every terminal"),),
    "schema": (
        ("sdsetup schema", "List all documents"),
        ("sdsetup schema doctor", "The schema of doctor --json"),
    ),
}
