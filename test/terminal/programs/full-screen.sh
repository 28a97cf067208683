#!/bin/bash
# A full-screen program: alternate screen, every kind of attribute, modes, a scrolling region, and a cursor in an odd place.
# Redraws on SIGWINCH, echoes keys into row 3, ends on q.
printf 'a line of the normal screen\r\n'
printf '\e[?1049h\e[?1h\e[?1002h\e[?1006h\e[?1004h\e[?2004h\e[4 q\e=\e[2J'
saved=$(stty -g)
stty raw -echo
draw() {
  # The trap may run inside a read that has emptied IFS.
  local IFS=' '
  size=($(stty size))
  printf '\e(B\e[0m\e[r\e[?6l\e[2J\e[1;1H\e[0;1;31mbold red\e[0;3;4:3;58:2::10:20:30mcurly\e[0;7;38;2;1;2;3;48;5;200mtrue colour\e[0;9;53mstruck\e[0;2;5;96mdim\e[0m'
  printf '\e[2;1H漢字 e\xcc\x81 \xf0\x9f\x98\x80 wide\e]8;id=x;https://example.invalid/\e\\link\e]8;;\e\\'
  printf '\e[5;1H\e[44m\e[K\e[6;10H\e[1K\e[0m'
  for ((row = 8; row < size[0]; row++)); do printf '\e[%d;1H\e[38;5;%dmrow %d \e[%dG|' "$row" "$row" "$row" "${size[1]}"; done
  printf '\e[0m\e[4;%dr\e[7;5H\e7\e[35;1m\e[%d;%dHz\e(0\e[?25l' "$((size[0] - 2))" "$((size[0] - 1))" "${size[1]}"
}
draw
trap draw WINCH
while :; do
  IFS= read -r -n 1 -t 0.2 key && printf '\e(B\e[3;1Hkey %q \e(0' "$key"
  [[ ${key-} == q ]] && break
  key=
done
stty "$saved"
printf '\e(B\e[r\e[?1049l\e[?1l\e[?1002l\e[?1006l\e[?1004l\e[?2004l\e[0 q\e>\e[?25h\e[0mdone\r\n'
