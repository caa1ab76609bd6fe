// The generated dashboards and rules as a monitoring mixin: https://monitoring.mixins.dev
local rules = std.parseYaml(importstr 'prometheus/whyidle-rules.yml');
local groupsOf(name) = { groups: [group for group in rules.groups if group.name == name] };

{
  _config+:: {
    // Where docs/runbooks is served; %s is the alert's name in lower case.
    runbookURLPattern: 'https://whyidle.example/runbooks/%s',
  },

  grafanaDashboards+:: {
    'whyidle-fleet.json': import 'grafana/whyidle-fleet.json',
  },

  prometheusRules+:: groupsOf('whyidle.rules'),

  local pattern = self._config.runbookURLPattern,
  prometheusAlerts+:: {
    groups: [
      group {
        rules: [
          rule { annotations+: { runbook_url: pattern % std.asciiLower(rule.alert) } }
          for rule in group.rules
        ],
      }
      for group in groupsOf('whyidle.alerts').groups
    ],
  },
}
