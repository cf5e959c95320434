"""webui-user.bat, taken apart as cmd does: lines, letters, statements, ways through them; read, or merged into."""
