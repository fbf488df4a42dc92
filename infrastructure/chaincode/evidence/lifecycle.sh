#!/usr/bin/env bash
# The steps that bring the evidence contract onto a channel: Fabric's chaincode life cycle, one command per step.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: ./lifecycle.sh COMMAND [options]

Commands, in the order in which they are needed:
  package      make the package (once; the same file goes to every organisation)
  install      install it on the peers given by --peer (every organisation, on its own peers)
  approve      approve the definition for one's own organisation (every organisation)
  readiness    show which organisations have approved
  commit       commit the definition to the channel (one organisation, with peers of a majority)
  init         register the first organisations in the contract (once, an administrator of one of them)
  status       show what is committed and which organisations are registered

Options:
  --channel NAME           the channel
  --name NAME              the contract's name on the channel (evidence)
  --version VERSION        version of the definition (the package's)
  --sequence NUMBER        1, and one more with every change of the definition (1)
  --policy POLICY          who must endorse, such as "OutOf(2,'OrgA.member','OrgB.member','OrgC.member')"
  --package FILE           the package (evidence_<version>.tar.gz in this folder)
  --orderer HOST:PORT      an orderer
  --tls-root FILE          TLS roots of the orderer, and of every peer that names none of its own
  --peer HOST:PORT[=FILE]  a peer and its TLS roots; repeat for several
  --organisation MSPID     for init: a first organisation; repeat for several
  --dry-run                print the commands and run none
  --help                   this text

Uses the `peer` command of Fabric 2.2. Who acts is said by its own environment: CORE_PEER_LOCALMSPID,
CORE_PEER_MSPCONFIGPATH, CORE_PEER_ADDRESS, CORE_PEER_TLS_ENABLED, CORE_PEER_TLS_ROOTCERT_FILE.
TEXT
}

here=$(cd "$(dirname "$0")" && pwd)
command='' channel='' name=evidence version='' sequence=1 policy='' package='' orderer='' tls_root='' dry_run=''
peers=() organisations=()

wrong() {
  echo "lifecycle.sh: $1; see ./lifecycle.sh --help" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --dry-run) dry_run=yes; shift; continue ;;
    --*) [ $# -ge 2 ] || wrong "$1 needs a value" ;;
    *) [ -z "$command" ] || wrong "one command at a time, not also $1"
       command=$1; shift; continue ;;
  esac
  case $1 in
    --channel) channel=$2 ;;
    --name) name=$2 ;;
    --version) version=$2 ;;
    --sequence) sequence=$2 ;;
    --policy) policy=$2 ;;
    --package) package=$2 ;;
    --orderer) orderer=$2 ;;
    --tls-root) tls_root=$2 ;;
    --peer) peers+=("$2") ;;
    --organisation) organisations+=("$2") ;;
    *) wrong "unknown option $1" ;;
  esac
  shift 2
done

needs() {
  local option
  for option in "$@"; do
    case $option in
      peer) [ ${#peers[@]} -gt 0 ] || wrong "$command needs --peer" ;;
      organisation) [ ${#organisations[@]} -gt 0 ] || wrong "$command needs --organisation" ;;
      package) [ -f "$package" ] || wrong "there is no package $package: run ./lifecycle.sh package first" ;;
      *) [ -n "${!option}" ] || wrong "$command needs --$option" ;;
    esac
  done
}

# Runs a command after printing it as it can be pasted; with --dry-run only prints it.
run() {
  local word line=''
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=@,+-]*) line="$line \"$(printf '%s' "$word" | sed 's/[\\"$`]/\\&/g')\"" ;;
      *) line="$line $word" ;;
    esac
  done
  echo "\$$line"
  [ -n "$dry_run" ] || "$@" || {
    local status=$?
    echo "failed ($command): $1 ended with $status and nothing after it was run. If it says that this was done before," \
      "go on with the next command; otherwise mend what it says and repeat this one." >&2
    exit "$status"
  }
}

finish() {
  if [ -n "$dry_run" ]; then
    echo "dry run: nothing was done"
  else
    echo "done: $1"
  fi
  echo "next: $2"
}

# metadata.json has one field per line; the package id is its label and the hash of the whole file.
label() { tar -xOzf "$package" metadata.json | sed -n 's/^ *"label": "\(.*\)",\{0,1\}$/\1/p'; }
sha256() { if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }
package_id() { echo "$(label):$(sha256 "$package")"; }
acting() { echo "${CORE_PEER_LOCALMSPID:-the organisation that the environment names}"; }

[ -n "$version" ] || version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$here/package.json")
[ -n "$package" ] || package=$here/evidence_$version.tar.gz
case $sequence in *[!0-9]*|''|0*) wrong "--sequence must be a whole number from 1" ;; esac

to_orderer=() to_peers=()
[ -z "$orderer" ] || to_orderer=(-o "$orderer")
[ -z "$tls_root" ] || to_orderer+=(--tls --cafile "$tls_root")
for peer in ${peers[@]+"${peers[@]}"}; do
  root=$tls_root
  case $peer in *=*) root=${peer#*=} peer=${peer%%=*} ;; esac
  to_peers+=(--peerAddresses "$peer")
  [ -z "$root" ] || to_peers+=(--tlsRootCertFiles "$root")
done
definition=(--channelID "$channel" --name "$name" --version "$version" --sequence "$sequence" --signature-policy "$policy")

case $command in
  package)
    run npm --prefix "$here" run --silent package -- "$package"
    finish "the package is $package" "give it to every organisation; each runs install on its own peers" ;;
  install)
    needs package peer
    # One call per peer: the peer command installs on one at a time.
    for peer in "${peers[@]}"; do
      root=$tls_root
      case $peer in *=*) root=${peer#*=} peer=${peer%%=*} ;; esac
      run peer lifecycle chaincode install "$package" --peerAddresses "$peer" ${root:+--tlsRootCertFiles "$root"}
    done
    finish "$(package_id) is installed on ${#peers[@]} peers of $(acting)" "approve, with the same package" ;;
  approve)
    needs channel policy package orderer
    run peer lifecycle chaincode approveformyorg "${to_orderer[@]}" ${to_peers[@]+"${to_peers[@]}"} "${definition[@]}" \
      --package-id "$(package_id)"
    finish "$(acting) has approved $name $version, sequence $sequence" \
      "the other organisations install and approve; then readiness" ;;
  readiness)
    needs channel policy
    # The peer command asks one peer here: the one given, or the one of its environment.
    [ ${#peers[@]} -le 1 ] || wrong "$command asks one peer; give --peer once"
    run peer lifecycle chaincode checkcommitreadiness ${to_peers[@]+"${to_peers[@]}"} "${definition[@]}" --output json
    finish "the approvals are shown above" "commit, when a majority of the channel's organisations says true" ;;
  commit)
    needs channel policy orderer peer
    run peer lifecycle chaincode commit "${to_orderer[@]}" "${to_peers[@]}" "${definition[@]}"
    finish "$name $version, sequence $sequence, is committed to $channel" \
      "init if this is the first sequence, otherwise status" ;;
  init)
    needs channel orderer peer organisation
    list=$(printf ',\\"%s\\"' "${organisations[@]}")
    run peer chaincode invoke "${to_orderer[@]}" "${to_peers[@]}" -C "$channel" -n "$name" --waitForEvent \
      -c "{\"function\":\"init\",\"Args\":[\"[${list#,}]\"]}"
    finish "${#organisations[@]} organisations are registered" \
      "status; then python -m rongtong.chain --profile connection.yaml status" ;;
  status)
    needs channel
    run peer lifecycle chaincode querycommitted --channelID "$channel" --name "$name"
    run peer chaincode query -C "$channel" -n "$name" -c '{"function":"organisations","Args":[]}'
    finish "the definition and the registered organisations are shown above" "nothing, if they are the agreed ones" ;;
  '') wrong "a command is missing" ;;
  *) wrong "there is no command $command" ;;
esac
