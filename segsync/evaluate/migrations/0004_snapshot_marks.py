from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evaluate', '0003_snapshot'),
    ]

    operations = [
        migrations.RenameField(
            model_name='snapshot',
            old_name='sizes',
            new_name='checks',
        ),
        migrations.AlterField(
            model_name='snapshot',
            name='checks',
            field=models.JSONField(help_text='Bytes and CRC-32 of every file, to tell a damaged one.'),
        ),
    ]
