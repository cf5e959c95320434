"""webui-user.sh, taken apart as bash does: words, statements; read, or merged into."""
