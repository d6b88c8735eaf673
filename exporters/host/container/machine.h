#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/host/container/usage.h"
#include "exporters/host/module.h"

namespace exporter::host::container {

/// What containers have from the machine they run on.
class Machine {
 public:
  explicit Machine(const Host& host) : proc_(host.proc()), sys_(host.sys()) {}

  /// Logical processors that are online; nothing when the kernel does not say.
  std::optional<double> cores();
  /// Memory in bytes. Throws Error{decode}.
  std::optional<double> memory();
  /// The paths of the devices in `usage`, "/dev/sda"; those of unknown ones are their numbers.
  std::vector<std::string> device_names(const Usage& usage);

 private:
  Files proc_, sys_;
  std::map<std::string, std::string, std::less<>> devices_{};
};

}  // namespace exporter::host::container
