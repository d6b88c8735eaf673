#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/metric/samples.h"
#include "exporters/host/container/inspect.h"
#include "exporters/host/container/layers.h"
#include "exporters/host/container/network.h"
#include "exporters/host/container/usage.h"

namespace exporter::host::container {

/// Writes the samples of one group or container, each with the labels `id`, `name` and `image`.
class Page {
 public:
  Page(Samples& samples, std::string_view id, std::string_view name, std::string_view image)
      : samples_(samples), id_(id), name_(name), image_(image) {}

  /// `devices` are the names of usage.devices.
  void usage(const Usage& usage, const Limits& limits, std::span<const std::string> devices);
  void interfaces(std::span<const Interface> interfaces);
  void file_system(const LayerSystem& layer);
  /// Adds the engine's data; `label_names` are the names of Container::labels on the page.
  void state(const Container& container);
  void info(const Container& container, std::span<const std::string> label_names);

  template <std::size_t N, class... More>
  void add(const Metric<N>& metric, double value, const More&... more) {
    samples_.add(metric, value, id_, name_, image_, more...);
  }

 private:
  Samples& samples_;
  std::string_view id_, name_, image_;
};

}  // namespace exporter::host::container
