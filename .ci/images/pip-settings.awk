# From pip's configuration (files, then the environment) keep what a container can use: the last word for each key, a
# value on several lines joined, nothing that names a folder of this machine.
/^[[:space:]]*([#;]|$)/ { next }
/^\[/ { key = ""; next }
/^[[:space:]]/ { add($0); next }
{
  key = $0
  sub(/[[:space:]]*[=:].*/, "", key)
  text = $0
  sub(/^[^=:]*[=:]/, "", text)
  if (text ~ /[^[:space:]]/) delete value[key]
  add(text)
}
function add(text, words, count, i) {
  if (key !~ /^(index-url|extra-index-url|trusted-host|proxy|timeout|retries)$/) return
  count = split(text, words, " ")
  for (i = 1; i <= count; i++) if (words[i] !~ /^(file:|\/)/) value[key] = value[key] (key in value && value[key] != "" ? " " : "") words[i]
}
END {
  count = split("index-url extra-index-url trusted-host proxy timeout retries", keys, " ")
  for (i = 1; i <= count; i++) if (value[keys[i]] != "") print keys[i] " = " value[keys[i]]
}
