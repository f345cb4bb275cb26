#include "tools/completion.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/flags.h"

namespace udsrpc::tools {
namespace {

std::vector<std::string> FlagWords(const Command& command) {
  std::vector<std::string> words;
  for (const auto& names : {command.flags, CommonFlags()}) {
    for (const absl::string_view name : names) {
      words.push_back(absl::StrCat("--", name, DescribeFlag(name).is_switch ? "" : "="));
    }
  }
  return words;
}

std::string BashCompletion() {
  std::vector<absl::string_view> names;
  std::string cases;
  for (const Command& command : Commands()) {
    names.push_back(command.name);
    absl::StrAppend(&cases, "    ", command.name, ") flags=\"", absl::StrJoin(FlagWords(command), " "), "\" ;;\n");
  }
  return absl::StrCat(
      "# bash completion of udsrpc\n_udsrpc() {\n  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} "
      "flags=\n"
      "  COMPREPLY=()\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W \"",
      absl::StrJoin(names, " "), "\" -- \"$word\"))\n    return\n  fi\n  case $command in\n", cases,
      "  esac\n  case $word in\n    -*)\n      COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
      "      case ${COMPREPLY[0]} in *=) compopt -o nospace ;; esac ;;\n"
      "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n  esac\n}\ncomplete -F _udsrpc udsrpc\n");
}

std::string ZshCompletion() {
  std::string commands;
  std::string cases;
  for (const Command& command : Commands()) {
    absl::StrAppend(&commands, "    '", command.name, ":", command.summary, "'\n");
    absl::StrAppend(&cases, "    ", command.name, ") compadd -S '' -- ", absl::StrJoin(FlagWords(command), " "),
                    " ;;\n");
  }
  return absl::StrCat(
      "#compdef udsrpc\nlocal -a commands\ncommands=(\n", commands,
      ")\nif (( CURRENT == 2 )); then\n  _describe command commands\nelif [[ ${words[CURRENT]} == -* ]]; "
      "then\n  case ${words[2]} in\n",
      cases, "  esac\nelse\n  _files\nfi\n");
}

std::string FishCompletion() {
  std::string script = "# fish completion of udsrpc\n";
  for (const Command& command : Commands()) {
    absl::StrAppend(&script, "complete -c udsrpc -n __fish_use_subcommand -f -a ", command.name, " -d '",
                    command.summary, "'\n");
    for (const auto& names : {command.flags, CommonFlags()}) {
      for (const absl::string_view name : names) {
        absl::StrAppend(&script, "complete -c udsrpc -n '__fish_seen_subcommand_from ", command.name, "' -l ", name,
                        DescribeFlag(name).is_switch ? "" : " -r", "\n");
      }
    }
  }
  return script;
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
