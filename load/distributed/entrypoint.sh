#!/bin/sh
# The two roles in the words of Locust's image, as the compose file here and the operator for Kubernetes say them.
# SEATRIAL_ALLOW_TARGET names the host and port that load may go to, if seatrial.toml allows it as well.
set -eu
case "${1:-}" in
--master)
  shift
  exec seatrial load "$@" --bind 0.0.0.0:5557 --out "/results/$(date -u +%Y%m%d-%H%M%S)" \
    ${SEATRIAL_ALLOW_TARGET:+--allow-target "$SEATRIAL_ALLOW_TARGET"}
  ;;
--worker) # --worker --master-host HOST, and then what is for the master alone
  exec seatrial load worker --master "$3" --wait "${SEATRIAL_WAIT:-60s}" \
    ${SEATRIAL_ALLOW_TARGET:+--allow-target "$SEATRIAL_ALLOW_TARGET"}
  ;;
*) exec seatrial "$@" ;;
esac
