#include <sys/utsname.h>

#include <cerrno>

#include "common/base/error.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo =
    info("node_uname_info", "Labeled system information as provided by the uname system call.",
         "sysname", "release", "version", "machine", "nodename", "domainname");
constexpr MetricView kMetrics[] = {kInfo};

class Uname {
 public:
  explicit Uname(const Host&) {}

  void collect(Samples& samples, const Deadline&) {
    utsname name{};
    if (::uname(&name) != 0) throw io_error("uname", errno);
    samples.add(kInfo, 1, name.sysname, name.release, name.version, name.machine, name.nodename,
                name.domainname);
  }
};

}  // namespace

extern constinit const Module kUname{"uname", Module::Default::on, kMetrics, {}, make<Uname>};

}  // namespace exporter::host
