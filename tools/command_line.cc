#include "tools/command_line.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tools/flags.h"

namespace udsrpc::tools {
namespace {

// How many letters are to be changed, added or taken away to make one of the other.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

std::string DidYouMean(absl::string_view word, const std::vector<absl::string_view>& known, absl::string_view prefix) {
  const std::string nearest = Nearest(word, known);
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", prefix, nearest, "?");
}

std::vector<absl::string_view> FlagsOf(const Command& command) {
  std::vector<absl::string_view> flags = command.flags;
  flags.insert(flags.end(), CommonFlags().begin(), CommonFlags().end());
  return flags;
}

// A flag as it was typed: "--name=value", "--name value", "--name" or "--noname".
struct TypedFlag {
  std::string name;
  std::string value;
  bool has_value = false;
};

TypedFlag Split(absl::string_view word) {
  absl::ConsumePrefix(&word, "--") || absl::ConsumePrefix(&word, "-");
  const size_t equals = word.find('=');
  if (equals == absl::string_view::npos) return {.name = std::string(word), .value = ""};
  return {
      .name = std::string(word.substr(0, equals)), .value = std::string(word.substr(equals + 1)), .has_value = true};
}

// "--noname" of a flag that is or is not; takes the "no" away.
bool IsNegated(TypedFlag& flag, const std::vector<absl::string_view>& known) {
  absl::string_view name = flag.name;
  if (flag.has_value || !absl::ConsumePrefix(&name, "no")) return false;
  const absl::CommandLineFlag* const meant = absl::FindCommandLineFlag(name);
  if (meant == nullptr || !meant->IsOfType<bool>() || std::find(known.begin(), known.end(), name) == known.end()) {
    return false;
  }
  flag.name = std::string(name);
  return true;
}

class Reader {
 public:
  Reader(const std::vector<std::string>& words, CommandLine* line) : words_(words), line_(*line) {}

  Outcome Read() {
    if (words_.size() == 1 && words_[0] == "--version") {
      line_.command = FindCommand("version");
      return Outcome::Ok();
    }
    if (!words_.empty() && !absl::StartsWith(words_[0], "-")) {
      line_.command = FindCommand(words_[next_++]);
      if (line_.command == nullptr) return UnknownCommand();
    }
    known_ = line_.command == nullptr ? CommonFlags() : FlagsOf(*line_.command);
    bool only_arguments = false;
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (!only_arguments && word == "--") {
        only_arguments = true;
      } else if (only_arguments || word == "-" || !absl::StartsWith(word, "-")) {
        line_.arguments.push_back(word);
      } else if (Outcome outcome = ReadFlag(word); outcome.code != ExitCode::kOk) {
        return outcome;
      }
    }
    return CheckArguments();
  }

 private:
  Outcome UnknownCommand() const {
    std::vector<absl::string_view> names;
    for (const Command& command : Commands()) names.push_back(command.name);
    return Outcome::Usage(absl::StrCat("there is no command \"", words_[0], "\"", DidYouMean(words_[0], names, ""),
                                       "; \"udsrpc help\" lists them"));
  }

  std::string HelpHint() const {
    return line_.command == nullptr ? "see \"udsrpc help\""
                                    : absl::StrCat("see \"udsrpc help ", line_.command->name, "\"");
  }

  Outcome ReadFlag(const std::string& word) {
    TypedFlag typed = Split(word);
    if (typed.name == "help" || typed.name == "h") {
      line_.help = true;
      return Outcome::Ok();
    }
    const bool negated = IsNegated(typed, known_);
    absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(typed.name);
    if (flag == nullptr || std::find(known_.begin(), known_.end(), typed.name) == known_.end()) {
      return Outcome::Usage(absl::StrCat("there is no flag --", typed.name, " here",
                                         DidYouMean(typed.name, known_, "--"), "; ", HelpHint()));
    }
    if (flag->IsOfType<bool>()) {
      if (!typed.has_value) typed.value = negated ? "false" : "true";
    } else if (!typed.has_value) {
      if (next_ == words_.size()) return Outcome::Usage(absl::StrCat("--", typed.name, " wants a value; ", HelpHint()));
      typed.value = words_[next_++];
    }
    std::string error;
    if (SetFlag(*flag, typed.value, &error)) return Outcome::Ok();
    return Outcome::Usage(absl::StrCat("--", typed.name, "=", typed.value, ": ", error, "; ", HelpHint()));
  }

  Outcome CheckArguments() const {
    if (line_.help || line_.command == nullptr) return Outcome::Ok();
    const Command& command = *line_.command;
    const int count = static_cast<int>(line_.arguments.size());
    if (count >= command.min_arguments && (command.max_arguments == Command::kAny || count <= command.max_arguments)) {
      return Outcome::Ok();
    }
    const absl::string_view what = count < command.min_arguments ? "too few arguments" : "too many arguments";
    return Outcome::Usage(absl::StrCat(what, ": it is \"udsrpc ", command.name, command.arguments.empty() ? "" : " ",
                                       command.arguments, "\"; ", HelpHint()));
  }

  const std::vector<std::string>& words_;
  CommandLine& line_;
  size_t next_ = 0;
  std::vector<absl::string_view> known_;
};

}  // namespace

std::string Nearest(absl::string_view word, const std::vector<absl::string_view>& known) {
  std::string nearest;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const absl::string_view one : known) {
    if (const size_t distance = Distance(word, one); distance < least) {
      least = distance;
      nearest = std::string(one);
    }
  }
  return nearest;
}

Outcome ParseCommandLine(const std::vector<std::string>& words, CommandLine* line) {
  return Reader(words, line).Read();
}

}  // namespace udsrpc::tools
