#!/bin/sh
# Registers the namespace and Countersign's search attributes. Leaves existing ones unchanged.
set -eu

: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}" "${RETENTION:?}"
export TEMPORAL_ADDRESS TEMPORAL_NAMESPACE

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" > /dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"

# A new namespace takes some seconds to become known to the whole server.
attempts=0
until known="$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE")"; do
  attempts=$((attempts + 1))
  [ "$attempts" -lt 30 ] || exit 1
  sleep 1
done

# The names and types of src/contracts/names.ts; a test compares them.
for attribute in \
  CountersignStatus=Keyword \
  CountersignRequester=Keyword \
  CountersignBeneficiary=Keyword \
  CountersignResource=Keyword \
  CountersignEntitlement=Keyword \
  CountersignReview=Keyword \
  CountersignAwaiting=KeywordList \
  CountersignDeadline=Datetime \
  CountersignExpiresAt=Datetime \
  CountersignEmergency=Bool; do
  name="${attribute%%=*}"
  printf '%s\n' "$known" | grep -qw "$name" && continue
  temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type "${attribute#*=}"
done
