{{- define "kt.name" -}}
{{- if contains "kt" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-kt" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "kt.selector" -}}
app.kubernetes.io/name: kt
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kt.labels" -}}
{{ include "kt.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
