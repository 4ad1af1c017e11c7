#!/usr/bin/env sh
':' // This file is a program for sh, which starts Node.js with it, and one for Node.js. Node.js resets signals that are ignored
':' // before it runs any JavaScript, so only the shell can notice those of nohup, or of a script that runs this in the background:
':' // a shell cannot trap them. On the lines for sh the program for Node.js has nothing but a string and a comment.
':' //; IMSTATE_IGNORED_SIGNALS=
':' //; for s in HUP INT QUIT; do i=1; trap 'i=' $s; kill -s $s $$; trap - $s; IMSTATE_IGNORED_SIGNALS=$IMSTATE_IGNORED_SIGNALS${i:+ SIG$s}; done
':' //; export IMSTATE_IGNORED_SIGNALS; exec node "$0" "$@"
require('./load.js').start();
