# As inittab, when the command line has guest.login: root, without a password.
::sysinit:/etc/rc
tty1::respawn:/sbin/getty 38400 tty1
ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/sh -c "sync; umount /mnt 2>/dev/null"
