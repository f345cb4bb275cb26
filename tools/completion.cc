#include "tools/completion.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/flags.h"

namespace udsrpc::tools {
namespace {

std::vector<absl::string_view> AllFlags(const Command& command) {
  std::vector<absl::string_view> flags = command.flags;
  flags.insert(flags.end(), CommonFlags().begin(), CommonFlags().end());
  return flags;
}

std::vector<std::string> FlagWords(const std::vector<absl::string_view>& flags) {
  std::vector<std::string> words;
  for (const absl::string_view name : flags) {
    words.push_back(absl::StrCat("--", name, DescribeFlag(name).is_switch ? "" : "="));
  }
  return words;
}

std::vector<absl::string_view> CommandNames() {
  std::vector<absl::string_view> names;
  for (const Command& command : Commands()) names.push_back(command.name);
  return names;
}

// What its argument may be, with spaces between; empty: a file.
std::string ArgumentWords(const Command& command) {
  if (command.name == "completion") return "bash zsh fish";
  if (command.name == "help") return absl::StrCat(absl::StrJoin(CommandNames(), " "), " man");
  return "";
}

// Flags whose values are few.
std::vector<FlagHelp> FlagsWithValues() {
  std::vector<FlagHelp> flags;
  for (const absl::string_view name : {"color", "format", "transport"}) flags.push_back(DescribeFlag(name));
  return flags;
}

// The shell's words of a line: "=" is one of its own there.
constexpr absl::string_view kBashCompletion = R"(# bash completion of udsrpc
_udsrpc() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  local flags= words= values=
  COMPREPLY=()
  if [ "$word" = = ]; then word=; elif [ "$previous" = = ]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi
  case $previous in
@VALUES@  esac
  if [ -n "$values" ]; then
    COMPREPLY=($(compgen -W "$values" -- "$word"))
    return
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    case $word in
      -*) words="@FLAGS@" ;;
      *) words="@COMMANDS@" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    case ${COMPREPLY[0]} in *=) compopt -o nospace ;; esac
    return
  fi
  case $command in
@CASES@  esac
  case $word in
    -*)
      COMPREPLY=($(compgen -W "$flags" -- "$word"))
      case ${COMPREPLY[0]} in *=) compopt -o nospace ;; esac ;;
    *)
      if [ -n "$words" ]; then
        COMPREPLY=($(compgen -W "$words" -- "$word"))
      else
        compopt -o filenames
        COMPREPLY=($(compgen -f -X '*.seqpacket' -- "$word"))
      fi ;;
  esac
}
complete -F _udsrpc udsrpc
)";

std::string BashCompletion() {
  std::string cases;
  for (const Command& command : Commands()) {
    absl::StrAppend(&cases, "    ", command.name, ") flags=\"", absl::StrJoin(FlagWords(AllFlags(command)), " "),
                    "\" words=\"", ArgumentWords(command), "\" ;;\n");
  }
  std::string values;
  for (const FlagHelp& flag : FlagsWithValues()) {
    absl::StrAppend(&values, "    --", flag.name, ") values=\"", absl::StrJoin(flag.values, " "), "\" ;;\n");
  }
  return absl::StrReplaceAll(kBashCompletion,
                             {{"@VALUES@", values},
                              {"@FLAGS@", absl::StrCat(absl::StrJoin(FlagWords(CommonFlags()), " "), " --version")},
                              {"@COMMANDS@", absl::StrJoin(CommandNames(), " ")},
                              {"@CASES@", cases}});
}

std::string ZshCompletion() {
  std::string commands;
  std::string cases;
  std::string arguments;
  std::string values;
  for (const Command& command : Commands()) {
    absl::StrAppend(&commands, "    '", command.name, ":", command.summary, "'\n");
    absl::StrAppend(&cases, "    ", command.name, ") compadd -S '' -- ",
                    absl::StrJoin(FlagWords(AllFlags(command)), " "), " ;;\n");
    if (const std::string words = ArgumentWords(command); !words.empty()) {
      absl::StrAppend(&arguments, "    ", command.name, ") compadd -- ", words, " ;;\n");
    }
  }
  for (const FlagHelp& flag : FlagsWithValues()) {
    absl::StrAppend(&values, "  --", flag.name, "=*) compset -P '*='; compadd -- ", absl::StrJoin(flag.values, " "),
                    "; return ;;\n");
  }
  return absl::StrCat(
      "#compdef udsrpc\nlocal -a commands\ncommands=(\n", commands, ")\ncase ${words[CURRENT]} in\n", values,
      "esac\nif (( CURRENT == 2 )); then\n  if [[ ${words[CURRENT]} == -* ]]; then\n    compadd -S '' -- ",
      absl::StrJoin(FlagWords(CommonFlags()), " "),
      " --version\n  else\n    _describe command commands\n  fi\n"
      "elif [[ ${words[CURRENT]} == -* ]]; then\n  case ${words[2]} in\n",
      cases, "  esac\nelse\n  case ${words[2]} in\n", arguments, "    *) _files -F '*.seqpacket' ;;\n  esac\nfi\n");
}

std::string FishCompletion() {
  std::string script = "# fish completion of udsrpc\n";
  for (const Command& command : Commands()) {
    absl::StrAppend(&script, "complete -c udsrpc -n __fish_use_subcommand -f -a ", command.name, " -d '",
                    command.summary, "'\n");
    const std::string condition =
        absl::StrCat("complete -c udsrpc -n '__fish_seen_subcommand_from ", command.name, "'");
    if (const std::string words = ArgumentWords(command); !words.empty()) {
      absl::StrAppend(&script, condition, " -f -a '", words, "'\n");
    }
    for (const absl::string_view name : AllFlags(command)) {
      const FlagHelp flag = DescribeFlag(name);
      absl::StrAppend(&script, condition, " -l ", name, flag.is_switch ? "" : " -r",
                      flag.values.empty() ? "" : absl::StrCat(" -f -a '", absl::StrJoin(flag.values, " "), "'"), "\n");
    }
  }
  return absl::StrCat(script, "complete -c udsrpc -n __fish_use_subcommand -l version\n");
}

Outcome RunCompletion(const std::vector<std::string>& arguments) {
  std::string script;
  if (arguments[0] == "bash") script = BashCompletion();
  if (arguments[0] == "zsh") script = ZshCompletion();
  if (arguments[0] == "fish") script = FishCompletion();
  if (script.empty()) return Outcome::Usage(absl::StrCat(arguments[0], ": it is for bash, zsh and fish"));
  std::fputs(script.c_str(), stdout);
  return Outcome::Ok();
}

}  // namespace

Command CompletionCommand() {
  return {.name = "completion",
          .arguments = "SHELL",
          .summary = "Print what has a shell complete commands and flags",
          .description = "SHELL is bash, zsh or fish.",
          .examples = {{"In ~/.bashrc", "eval \"$(udsrpc completion bash)\""}},
          .min_arguments = 1,
          .max_arguments = 1,
          .run = RunCompletion};
}

}  // namespace udsrpc::tools
