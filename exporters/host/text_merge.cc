#include "exporters/host/text_merge.h"

namespace exporter::host {
namespace {

std::string key_of(std::string_view family, const TextSeries& series) {
  std::string key(family);
  for (const auto& label : series.labels) {
    key.append(",").append(label.name).append("=\"");
    append_label_value(key, label.value);
    key += '"';
  }
  return key;
}

}  // namespace

void TextMerge::take(const std::string& path, const ParsedText& parsed) {
  texts_.push_back({path, &parsed});
  for (const auto& family : parsed.families) {
    const auto [place, is_new] =
        headers_.emplace(family.name, Header{family.type, family.help, path, path});
    if (is_new) continue;
    auto& header = place->second;
    if (!header.help) header.help = family.help;
    header.paths += ", " + path;
  }
}

std::map<std::string, std::string> TextMerge::write(Samples& samples) {
  for (const auto& text : texts_) {
    for (const auto& family : text.parsed->families) {
      const auto& header = headers_.at(family.name);
      const std::string name(family.name);
      if (family.type != header.type) {
        complain(text, name + " has another type than in " + header.first_path);
        continue;
      }
      if (family.help && family.help != header.help) {
        complain(text, name + " has a different help text than in " + header.first_path);
      }
      write(samples, text, family, header);
    }
  }
  return std::move(complaints_);
}

void TextMerge::write(Samples& samples, const Text& text, const TextFamily& family,
                      const Header& header) {
  const auto help = header.help ? std::string(*header.help) : "Metric read from " + header.paths;
  for (const auto& series : family.series) {
    auto key = key_of(family.name, series);
    if (seen_.contains(key)) {
      complain(text, "duplicate series: " + key);
      continue;
    }
    const auto before = samples.duplicates();
    if (!add_series(samples, family, help, series)) {
      complain(text, "a value that its type does not allow: " + key);
    }
    if (samples.duplicates() != before) {  // a summary `a` has the same line as a family `a_count`
      complain(text, "the series is already on the page for another metric: " + key);
    }
    seen_.insert(std::move(key));
  }
}

/// Only the first fault of a text is reported.
void TextMerge::complain(const Text& text, std::string why) {
  complaints_.emplace(text.path, text.path + ": " + std::move(why));
}

}  // namespace exporter::host
