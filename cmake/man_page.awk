# Makes a manual page (man-pages(7), roff) of what an exporter says for --help.
# Usage: host_exporter --help | awk -v name=host_exporter -v version=0.1.0 -f man_page.awk

function roff(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  gsub(/\|/, "|\\:", text)  # where a regular expression may be broken
  return text ~ /^[.']/ ? "\\&" text : text
}

# "--web.max-requests UINT=256 ..." and what it is for, on the same line or on the next ones.
function option(line,   names, text) {
  names = line
  text = ""
  if (match(line, /[^ ]  +[^ ]/)) {
    names = substr(line, 1, RSTART)
    text = substr(line, RSTART + RLENGTH - 1)
  } else if (match(line, /^.{27} /)) {
    names = substr(line, 1, 27)
    text = substr(line, 29)
  }
  sub(/ (TEXT|UINT)=?/, "=", names)
  sub(/= *$/, "=VALUE", names)
  gsub(/,/, ", ", names)
  print ".TP\n.B " roff(names)
  if (text != "") print roff(text)
}

NR == 1 {
  sub(/\.$/, "")
  print ".TH " toupper(name) " 1 \"\" \"" name " " version "\" \"Data Platform Exporters\""
  print ".ad l\n.nh\n.SH NAME\n" roff(name) " \\- " roff($0)
  next
}
/^Usage: / {
  print ".SH SYNOPSIS\n.B " roff(name) "\n[OPTIONS]\n.SH DESCRIPTION"
  print "Serves metrics over HTTP until SIGTERM; SIGHUP reads the configuration file again."
  next
}
/^[A-Z][A-Za-z ]*:$/ { print ".SH " toupper(substr($0, 1, length($0) - 1)); next }
/^  -/ { option(substr($0, 3)); next }
/[^ ]/ { sub(/^ +/, ""); print roff($0) }
END {
  print ".SH FILES\n.TP\n.I /etc/default/" name "\nThe flags of the service."
  print ".TP\n.I /etc/data\\-platform\\-exporters/" name ".yml\nIts configuration."
}
