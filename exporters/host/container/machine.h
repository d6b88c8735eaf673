#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/host/container/usage.h"
#include "exporters/host/module.h"

namespace exporter::host::container {

/// Properties of the machine that containers run on.
class Machine {
 public:
  explicit Machine(const Host& host) : proc_(host.proc()), sys_(host.sys()) {}

  /// Logical processors that are online; nothing if the kernel does not report them.
  std::optional<double> cores();
  /// Memory in bytes. Throws Error{decode}.
  std::optional<double> memory();
  /// The paths of the devices in `usage`, "/dev/sda"; the numbers of unknown devices.
  std::vector<std::string> device_names(const Usage& usage);

 private:
  Files proc_, sys_;
  std::map<std::string, std::string, std::less<>> devices_{};
};

}  // namespace exporter::host::container
