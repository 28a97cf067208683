# zsh: to be written
